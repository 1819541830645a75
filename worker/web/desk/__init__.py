"""The desk: what clinic staff see, a page a file; docs/pages.md says how to add one."""
