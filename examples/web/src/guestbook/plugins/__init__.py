"""What the guestbook is made of, one module each."""
