"""The outside, driven from outside: the real twilio package, smtplib, and a receiver of our own."""
