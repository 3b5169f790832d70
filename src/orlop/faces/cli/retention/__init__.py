"""orlop retention preview, plan, plans, apply, beside what every kind of settings has; orlop in-use."""
