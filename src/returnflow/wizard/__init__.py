"""Front ends that lead an agent through a call. They hold no rule and no text of the procedure."""
