"""`cargo xtask soak`: thousands of uploads of 50 teams through real parts, with and without faults, and a checker that
compares the log of uploads with the log of what visitors got.

    uploads → S3 and SQS on ministack → event source → `bootstrap` → proxy → sandbox's API
                                                          ↓                        ↓
                                          proxy → SSM, DynamoDB, SQS      sandbox's edge ← readers
"""
