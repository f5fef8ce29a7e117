"""What an invoice says: documents, explanations, exports."""
