"""What documents share, whatever they tell: their forms, and how a page and Markdown are kept safe."""
