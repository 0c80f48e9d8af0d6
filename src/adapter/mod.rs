//! Drivers: thin loops that carry a machine over a transport.
