"""The demonstration on the screen: a director asks by a timetable, and captions say what is to be seen."""
