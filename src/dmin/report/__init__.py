"""Answers for people and for other programs: text formats, pictures, and pages. Importing it loads nothing heavy."""
