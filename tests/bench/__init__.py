"""`make bench`: how much the senders can do on this machine, beside a raw limit and a naive baseline."""
