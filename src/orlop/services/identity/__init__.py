"""Who asks: sign-in of people, programs and browsers, what they prove it with, and what keeps accounts in order."""
