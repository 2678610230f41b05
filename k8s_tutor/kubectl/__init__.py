"""kubectl"""
