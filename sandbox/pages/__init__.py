"""Pages for people: hosted Checkout, 3-D Secure, the invoice, the mailbox, the index."""
