"""The data workshop: repair a data set, vary it, make more of it, let a teacher answer. Records in, records out."""
