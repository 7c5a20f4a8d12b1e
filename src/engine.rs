//! The engine: from a tree of files to findings.

use crate::analysis::{Analysis, AnalysisRequest};

/// Analyses one tree.
pub fn analyse(_request: &AnalysisRequest) -> Analysis {
    Analysis::default()
}
