"""How a message leaves the house: one contract per channel, and what the channels share."""
