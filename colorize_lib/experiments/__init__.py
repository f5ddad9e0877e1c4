"""What the chapters compare with: variants, drawn scenes, wrong colorings."""
