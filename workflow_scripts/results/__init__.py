"""From predictions to tables: metrics, baselines, Table I."""
