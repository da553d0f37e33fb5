//! Erasures: nothing is left of a call, whoever wrote of it, whatever comes later, and whoever dies on the way.

mod gone;
mod killed;
mod late;
mod races;
mod refused;
mod scene;
mod subjects;
