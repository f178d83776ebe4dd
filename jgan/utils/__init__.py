"""Helpers without mathematics: command lines, atomic files, checks of shapes."""
