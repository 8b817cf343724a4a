"""Of what changes mean: pure functions of before and after."""
