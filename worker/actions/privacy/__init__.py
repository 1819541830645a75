"""What the law gives a client over her data: keys that rotate, erasure, a copy, and an end of keeping (rules 61-66)."""
