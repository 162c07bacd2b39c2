"""Answers become fields, tables and text; checks and corrections of people are added."""
