//! Through the services, the follower and real receivers.

mod queues;
mod receivers;
mod subscribers;
mod topics;
mod world;
