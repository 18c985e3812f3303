"""What a row of data holds of one modality, as an array of one shape and a mask."""
