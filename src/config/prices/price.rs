//! Versions of prices, and the words of the file for line items and units.

/// The name of the tables.
pub const PRICES: &str = "prices";
/// The name of the tables in error messages.
pub const TABLES: &str = "[[prices]]";
/// The highest price of one unit, in US dollars.
pub const MAX_USD: u64 = 1000;
/// The largest monthly free allowance, in units.
pub const MAX_FREE_UNITS: u64 = 1_000_000_000_000_000;
/// The only currency.
pub const CURRENCY: &str = "usd";
pub const EFFECTIVE_FROM_KEY: &str = "effective_from";
pub const CURRENCY_KEY: &str = "currency";
pub const PER_KEY: &str = "per";
pub const USD_KEY: &str = "usd";
pub const FREE_KEY: &str = "free_per_month";

/// The prices that apply from one second on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceConfig {
    /// The first Unix second at which they apply; later than that of the previous version.
    pub effective_from: u64,
    /// The priced line items: all of the previous version, and none twice.
    pub items: Vec<ItemPriceConfig>,
}

/// The price of one line item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemPriceConfig {
    /// The line item.
    pub item: PricedItem,
    /// The unit of the price.
    pub per: PriceUnit,
    /// The price, in 10^-18 US dollars; at most 1000 dollars.
    pub atto_usd: u128,
    /// The monthly free allowance, in 10^-18 of a unit; at most 10^15 units.
    pub free_atto_units: u128,
}

/// A line item that can have a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PricedItem {
    /// `files.storage`
    Storage,
    /// `files.ops.class_a`
    ClassA,
    /// `files.ops.class_b`
    ClassB,
    /// `files.ingress`
    Ingress,
    /// `files.egress`
    Egress,
}

/// The unit of a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceUnit {
    /// 2^30 bytes for an hour.
    GibibyteHours,
    /// 2^30 bytes.
    Gibibytes,
    /// One request.
    Requests,
    /// A thousand requests.
    ThousandRequests,
}

impl PricedItem {
    /// Every line item, in the order of the documentation.
    pub const ALL: [Self; 5] = [Self::Storage, Self::ClassA, Self::ClassB, Self::Ingress, Self::Egress];

    /// Returns the key of the file.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Storage => "files.storage",
            Self::ClassA => "files.ops.class_a",
            Self::ClassB => "files.ops.class_b",
            Self::Ingress => "files.ingress",
            Self::Egress => "files.egress",
        }
    }

    /// Returns the units that its price may have, the usual one first.
    pub const fn units(self) -> &'static [PriceUnit] {
        match self {
            Self::Storage => &[PriceUnit::GibibyteHours],
            Self::ClassA | Self::ClassB => &[PriceUnit::ThousandRequests, PriceUnit::Requests],
            Self::Ingress | Self::Egress => &[PriceUnit::Gibibytes],
        }
    }
}

impl PriceUnit {
    /// Returns the value of `per` in the file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::GibibyteHours => "gibibyte_hours",
            Self::Gibibytes => "gibibytes",
            Self::Requests => "requests",
            Self::ThousandRequests => "1000_requests",
        }
    }
}
