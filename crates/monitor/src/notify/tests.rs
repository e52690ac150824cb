//! Through the services, the follower and real receivers.
