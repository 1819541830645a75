"""The only writers: keyword-only, one transaction each, the audit event in the same commit."""
