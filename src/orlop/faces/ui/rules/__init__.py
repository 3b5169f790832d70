"""The pages of rules: every kind of settings, plans of retention, the trash and locks."""
