"""The outside as a separate process: SMS provider, phones, mailboxes, and a witness that nobody can talk over.

It imports neither Django nor our models, settings or rules: it must be able to contradict them.
"""
