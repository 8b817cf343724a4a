"""The double of FMCSA's servers, over a fleet of made-up carriers."""
