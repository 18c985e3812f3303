"""VQAv2 (Goyal et al. 2017, arXiv 1612.00837): questions about photographs, each answered by ten people."""
