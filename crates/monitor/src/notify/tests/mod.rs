//! Through the services, the follower and real receivers.

mod queues;
mod queues_in_order;
mod receivers;
mod subscribers;
mod topics;
mod world;
