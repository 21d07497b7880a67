"""Mail that the unit sends: by one server of the site's, from a queue on the disk (``firmware.store.mail``)."""
