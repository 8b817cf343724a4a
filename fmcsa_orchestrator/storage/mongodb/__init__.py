"""The store on MongoDB; the only folder that imports a driver."""
