"""What a network costs a phone's processor, without a phone: instructions of an emulated Cortex-A76."""
