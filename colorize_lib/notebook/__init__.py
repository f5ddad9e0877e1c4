"""What a notebook shows: its opening and close, figures, diagrams, widgets."""
