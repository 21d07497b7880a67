"""Calendars that people's absences are read from: fetched, read by a child process, and made referrals."""
