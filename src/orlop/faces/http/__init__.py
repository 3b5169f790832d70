"""What every HTTP face shares: headers, bodies, sending, errors, and the shell around each request."""
