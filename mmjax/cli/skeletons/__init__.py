"""What `mmjax new` writes, as templates: of each kind the file and its test."""
