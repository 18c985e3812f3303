"""Streams and pictures brought together: when, and where, what one holds happens in the other. One idea a file."""
