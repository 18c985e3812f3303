"""easy-VQA (Victor Zhou, 2019; MIT): 5,000 drawings and 48,248 questions, from the PyPI wheel easy-vqa."""
