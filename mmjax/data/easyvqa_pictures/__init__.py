"""easy-VQA by pictures: the rows of `data.easyvqa`, several questions about a picture in each."""
