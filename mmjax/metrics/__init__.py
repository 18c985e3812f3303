"""Pure metrics, on the device as Means or on the host over a corpus."""
