"""Settings for nbgrader, copied into every class's folder."""

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "mosmed_edu"

# An endless loop costs a minute, and the rest of the notebook is graded.
c.Execute.timeout = 60
c.Execute.interrupt_on_timeout = True

# The kernel talks to this machine alone, and need not warn of it each time.
c.Execute.extra_arguments = [
    "--HistoryManager.hist_file=:memory:",
    "--IPKernelApp.log_level=ERROR",
]

# Tests that somebody deleted are put back; changed ones always are.
c.OverwriteCells.add_missing_cells = True

# Without this, a warning on stderr in a test's cell gives 0 points.
c.IgnorePattern.enabled = True
c.IgnorePattern.pattern = ".*"

# What stands in the handed-out notebook where the solution was.
c.ClearSolutions.code_stub = {"python": "# Write your answer here."}
c.ClearSolutions.text_stub = "*Write your answer here.*"

# Feedback goes to students; hidden tests do not, nor tracebacks through them.
c.GenerateFeedback.preprocessors = [
    "nbgrader.preprocessors.GetGrades",
    "nbgrader.preprocessors.ClearHiddenTests",
    "mosmed_edu.classroom.feedback.ShortErrors",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]
