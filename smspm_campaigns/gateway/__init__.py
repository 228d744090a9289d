"""The SMSPM API: a client that never repeats a send, what replies prove, and a simulator."""
