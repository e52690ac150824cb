//! Real receivers on loopback: an SMTP server and a web server that keep what they are given.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::world::WAIT;

/// What came in, in order.
#[derive(Clone, Debug)]
pub(super) struct Kept<T> {
    items: Arc<Mutex<Vec<T>>>,
    count: watch::Sender<usize>,
}

impl<T: Clone + std::fmt::Debug> Kept<T> {
    fn new() -> Self {
        Self { items: Arc::default(), count: watch::Sender::new(0) }
    }

    fn push(&self, item: T) {
        let mut items = self.items.lock().unwrap();
        items.push(item);
        self.count.send_replace(items.len());
    }

    pub(super) fn all(&self) -> Vec<T> {
        self.items.lock().unwrap().clone()
    }

    /// Waits until there are that many.
    pub(super) async fn wait_for(&self, count: usize) -> Vec<T> {
        let mut counted = self.count.subscribe();
        let waited = tokio::time::timeout(WAIT, counted.wait_for(|have| *have >= count)).await;
        assert!(waited.is_ok(), "only {:?}", self.all());
        self.all()
    }
}

/// A mail: whom it is for, and its text as it came.
#[derive(Clone, Debug)]
pub(super) struct Mail {
    pub(super) to: String,
    pub(super) text: String,
}

impl Mail {
    /// The text without quoted-printable.
    pub(super) fn plain(&self) -> String {
        self.text.replace("=\r\n", "").replace("=3D", "=").replace("\r\n", "\n")
    }
}

/// An SMTP server that answers `MAIL` with a code: 250, or a refusal.
pub(super) struct MailServer {
    pub(super) url: String,
    pub(super) mails: Kept<Mail>,
    pub(super) answer: Arc<AtomicU16>,
    pub(super) refused: Kept<()>,
}

impl MailServer {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let server =
            Self { url, mails: Kept::new(), answer: Arc::new(AtomicU16::new(250)), refused: Kept::new() };
        let (mails, answer, refused) = (server.mails.clone(), server.answer.clone(), server.refused.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(speak_smtp(stream, mails.clone(), answer.clone(), refused.clone()));
            }
        });
        server
    }
}

async fn speak_smtp(stream: TcpStream, mails: Kept<Mail>, answer: Arc<AtomicU16>, refused: Kept<()>) {
    let mut stream = BufReader::new(stream);
    let mut to = String::new();
    let _ = stream.write_all(b"220 ready\r\n").await;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let reply = match verb.as_str() {
            "MAIL" => {
                let code = answer.load(Ordering::SeqCst);
                if code != 250 {
                    refused.push(());
                }
                format!("{code} so be it\r\n")
            }
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                "250 known\r\n".to_owned()
            }
            "DATA" => {
                let _ = stream.write_all(b"354 go on\r\n").await;
                let mut text = String::new();
                while !text.ends_with("\r\n.\r\n") {
                    if stream.read_line(&mut text).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                text.truncate(text.len() - 3);
                mails.push(Mail { to: to.clone(), text });
                "250 kept\r\n".to_owned()
            }
            "QUIT" => "221 bye\r\n".to_owned(),
            _ => "250 fine\r\n".to_owned(),
        };
        if stream.write_all(reply.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// A posted message.
#[derive(Clone, Debug)]
pub(super) struct Post {
    pub(super) path: String,
    /// In lower case, lines as they came.
    pub(super) head: String,
    pub(super) raw: String,
}

impl Post {
    pub(super) fn body(&self) -> Value {
        serde_json::from_str(&self.raw).unwrap_or_else(|_| panic!("{}", self.raw))
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }
}

/// A web server that answers every post with a status; 0 never answers paths that begin with `/slow`.
pub(super) struct WebServer {
    pub(super) url: String,
    pub(super) posts: Kept<Post>,
    pub(super) status: Arc<AtomicU16>,
}

impl WebServer {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { url, posts: Kept::new(), status: Arc::new(AtomicU16::new(200)) };
        let (posts, status) = (server.posts.clone(), server.status.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(speak_http(stream, posts.clone(), status.clone()));
            }
        });
        server
    }

    pub(super) fn of_kind(&self, kind: &str) -> Vec<Post> {
        let mut posts = self.posts.all();
        posts.retain(|post| post.header("x-amz-sns-message-type") == Some(&kind.to_ascii_lowercase()));
        posts
    }
}

async fn speak_http(stream: TcpStream, posts: Kept<Post>, status: Arc<AtomicU16>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.and_then(|length| length.parse().ok()).unwrap_or(0)];
        if stream.read_exact(&mut body).await.is_err() {
            return;
        }
        let slow = path.starts_with("/slow");
        posts.push(Post { path, head, raw: String::from_utf8(body).unwrap() });
        let status = status.load(Ordering::SeqCst);
        if slow && status == 0 {
            // Keeps the caller waiting for as long as it has patience.
            let _ = stream.read_u8().await;
            return;
        }
        let reply =
            format!("HTTP/1.1 {} x\r\ncontent-length: 2\r\n\r\nok", if status == 0 { 200 } else { status });
        if stream.write_all(reply.as_bytes()).await.is_err() {
            return;
        }
    }
}
