"""Pictures in folders by their classes, as ImageNet-1k has them (Russakovsky et al. 2015, arXiv 1409.0575)."""
