//! S3's XML: answers written, requests read. Answers are flat enough for a writer; requests are read with a parser that
//! resolves no entities but XML's own.

use keywatch_api::codec::xml::push_text;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::error::S3Error;

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";
const DEPTH_MAX: usize = 16;

/// An answer in the making.
#[derive(Debug)]
pub struct Xml(String);

impl Xml {
    /// Begins a document whose root element is in S3's name space.
    pub fn document(root: &str, write: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut xml = Self("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned());
        xml.0.push_str(&format!("<{root} xmlns=\"{NAMESPACE}\">"));
        write(&mut xml);
        xml.0.push_str(&format!("</{root}>"));
        xml.0.into_bytes()
    }

    /// An error's document, which has no name space.
    pub fn error(code: &str, message: &str, resource: &str, request_id: &str) -> Vec<u8> {
        let mut xml = Self("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned());
        xml.element("Error", |error| {
            error.text("Code", code);
            error.text("Message", message);
            error.text("Resource", resource);
            error.text("RequestId", request_id);
        });
        xml.0.into_bytes()
    }

    pub fn text(&mut self, tag: &str, text: &str) {
        self.0.push_str(&format!("<{tag}>"));
        push_text(&mut self.0, text);
        self.0.push_str(&format!("</{tag}>"));
    }

    pub fn element(&mut self, tag: &str, write: impl FnOnce(&mut Self)) {
        self.0.push_str(&format!("<{tag}>"));
        write(self);
        self.0.push_str(&format!("</{}>", tag.split(' ').next().unwrap_or(tag)));
    }

    /// Character data of the current element.
    pub fn content(&mut self, text: &str) {
        push_text(&mut self.0, text);
    }
}

/// The leaves of a document in their order: the names of the elements around the text, without the root, and the text.
pub fn leaves(document: &[u8], limit: usize) -> Result<Vec<(String, String)>, S3Error> {
    let text = std::str::from_utf8(document).map_err(|_| S3Error::MalformedXml)?;
    let mut reader = Reader::from_str(text);
    let mut path: Vec<String> = Vec::new();
    let mut content = String::new();
    let mut leaf = false;
    let mut leaves = Vec::new();
    loop {
        match reader.read_event().map_err(|_| S3Error::MalformedXml)? {
            Event::Start(tag) => {
                path.push(String::from_utf8_lossy(tag.local_name().as_ref()).into_owned());
                content.clear();
                leaf = true;
            }
            Event::Text(text) => content.push_str(&text.decode().map_err(|_| S3Error::MalformedXml)?),
            Event::GeneralRef(entity) => content.push(character(&entity)?),
            Event::CData(data) => content.push_str(&data.decode().map_err(|_| S3Error::MalformedXml)?),
            Event::End(_) => {
                if leaf {
                    leaves.push((path.get(1..).unwrap_or_default().join("/"), std::mem::take(&mut content)));
                }
                leaf = false;
                path.pop();
            }
            Event::Empty(tag) => {
                let name = String::from_utf8_lossy(tag.local_name().as_ref()).into_owned();
                let inner = path.iter().skip(1).cloned().chain([name]).collect::<Vec<_>>().join("/");
                leaves.push((inner, String::new()));
                leaf = false;
            }
            Event::DocType(_) => return Err(S3Error::MalformedXml),
            Event::Eof if path.is_empty() => return Ok(leaves),
            Event::Eof => return Err(S3Error::MalformedXml),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
        if path.len() > DEPTH_MAX || leaves.len() > limit {
            return Err(S3Error::MalformedXml);
        }
    }
}

/// A character reference or one of XML's own five entities.
fn character(entity: &quick_xml::events::BytesRef<'_>) -> Result<char, S3Error> {
    if let Some(character) = entity.resolve_char_ref().map_err(|_| S3Error::MalformedXml)? {
        return Ok(character);
    }
    match &**entity {
        b"amp" => Ok('&'),
        b"lt" => Ok('<'),
        b"gt" => Ok('>'),
        b"quot" => Ok('"'),
        b"apos" => Ok('\''),
        _ => Err(S3Error::MalformedXml),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_of_requests() {
        check("<A><B>x</B><C><D>1 &amp; &#50;</D></C></A>", Some(&[("B", "x"), ("C/D", "1 & 2")]));
        check("<A xmlns='u'>\n <o:B xmlns:o='v'> x </o:B>\n</A>", Some(&[("B", " x ")]));
        check("<A><B/></A>", Some(&[("B", "")]));
        check("<A><B><![CDATA[<x>]]></B></A>", Some(&[("B", "<x>")]));
        check("<A>", None);
        check("<A></B>", None);
        check("<!DOCTYPE a [<!ENTITY b 'c'>]><A><B>&b;</B></A>", None);
        check("<A><B>&b;</B></A>", None);
        check(&"<A>".repeat(20), None);

        fn check(document: &str, want: Option<&[(&str, &str)]>) {
            let found = leaves(document.as_bytes(), 100).ok();
            let found: Option<Vec<(&str, &str)>> =
                found.as_ref().map(|all| all.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect());
            assert_eq!(found.as_deref(), want, "{document}");
        }
    }

    #[test]
    fn answers_are_escaped() {
        let answer = Xml::document("R", |xml| xml.element("E", |e| e.text("T", "a<b>&\"")));
        let text = String::from_utf8(answer).expect("text");
        assert!(text.ends_with("><E><T>a&lt;b&gt;&amp;&quot;</T></E></R>"), "{text}");
    }
}
