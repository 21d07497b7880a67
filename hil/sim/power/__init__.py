"""Power that is simulated beyond the wire: cells, a charger, mains that fail and bounce; and what measures them, as it
is read by the product: gauges on I2C, lines of GPIO, a UPS at a NUT server. ``python -m hil.sim.power`` plays one."""
