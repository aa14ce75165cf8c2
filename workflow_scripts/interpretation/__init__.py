"""What trained networks have learned: activations, filters, interventions, auralisation."""
