"""What a change of a source's rows or fields means to whoever watches the carrier: pure functions of before and after."""
